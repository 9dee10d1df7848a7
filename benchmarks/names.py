"""First and last names, a tenth of them not ASCII."""

from typing import Final

_FIRST: Final = """
    Aaron Abigail Adam Adrian Aisha Alan Albert Alejandra Alexander Alexis Alice Allison Amanda Amber Amelia Amir Amy
    Andrea Andrew Angela Anita Ann Anthony Antonio Aria Arthur Ashley Aurora Austin Ava Barbara Beatrice Benjamin Beth
    Bianca Brandon Brenda Brian Bruce Caleb Camila Carl Carlos Carmen Carol Caroline Catherine Charles Charlotte Chen
    Chloe Christian Christina Christopher Clara Claudia Colin Connor Craig Crystal Cynthia Dale Daniel Danielle David
    Dawn Deborah Deepak Denise Dennis Diana Diego Dominic Donald Donna Dorothy Douglas Dylan Edith Eduardo Edward
    Eleanor Elena Elijah Elizabeth Ella Ellen Emily Emma Eric Erin Ethan Eugene Eva Evelyn Fatima Felicia Fernando
    Fiona Frances Francisco Frank Gabriel Gail Gary George Gerald Giulia Gloria Grace Greg Hannah Harold Harper Heather
    Helen Henry Hiroshi Holly Howard Ian Ibrahim Ingrid Irene Isaac Isabella Ivan Jack Jacob Jacqueline James Jamal
    Janet Jasmine Jason Javier Jean Jeffrey Jennifer Jeremy Jessica Joan Joel John Jonathan Jordan Joseph Joshua Joyce
    Juan Judith Julia Julian Justin Kaitlyn Karen Katherine Keith Kelly Kenneth Kevin Kimberly Kyle Lakshmi Larry Laura
    Lauren Lawrence Leah Leo Leslie Liam Lillian Linda Lisa Logan Lucas Lucy Luis Madison Marcus Margaret Maria Marie
    Mark Martha Martin Mary Mason Matthew Megan Mei Melissa Mia Michael Michelle Miguel Mohammed Monica Nancy Natalie
    Nathan Nia Nicholas Nicole Noah Nora Oliver Olivia Omar Oscar Owen Pamela Patricia Patrick Paul Pedro Peter Philip
    Priya Rachel Raj Ralph Raymond Rebecca Ricardo Richard Robert Roger Ronald Rosa Roy Russell Ruth Ryan Samantha
    Samuel Sandra Sara Scott Sean Sergio Sharon Shirley Sofia Sophia Stephanie Stephen Steven Susan Tamara Teresa
    Thomas Tiffany Timothy Tyler Vanessa Victor Victoria Vincent Virginia Walter Wendy William Xavier Yolanda Zachary
    Zoe
    Adélaïde André Anaïs Andrés Björn Çağla Céline Chloé Éloïse François Frédéric Gonçalo Håkon Ines-María İbrahim
    Jörg José Jürgen Łukasz María Mónica Noémie Óscar René Sebastián Siân Søren Tomáš Zoë Željko Алексей Ольга
    Ελένη 美咲 翔太
"""
_LAST: Final = """
    Adams Aguilar Ahmed Alexander Ali Allen Alvarado Anderson Andrews Armstrong Arnold Austin Bailey Baker Banks Barnes
    Barnett Bates Beck Becker Bell Bennett Berry Bishop Black Boyd Bradley Brooks Brown Bryant Burke Burns Burton
    Butler Byrd Campbell Carlson Carpenter Carroll Carter Castillo Castro Chambers Chan Chapman Chavez Chen Cheng Choi
    Clark Cohen Cole Coleman Collins Contreras Cook Cooper Cox Craig Crawford Cruz Cunningham Curtis Daniels Davidson
    Davis Dawson Day Dean Delgado Desai Dixon Dominguez Douglas Duncan Dunn Edwards Elliott Ellis Espinoza Estrada
    Evans Farrell Ferguson Fernandez Fields Figueroa Fisher Fitzgerald Fleming Fletcher Flores Ford Foster Fowler Fox
    Francis Franklin Frazier Freeman Fuller Garcia Gardner Garrett Garza George Gibson Gilbert Gomez Gonzales Goodman
    Gordon Graham Grant Graves Gray Green Greene Griffin Gupta Gutierrez Guzman Hale Hall Hamilton Hansen Hanson Harper
    Harris Harrison Hart Harvey Hassan Hawkins Hayes Henderson Henry Hernandez Herrera Hicks Hill Hoffman Holland
    Holmes Hopkins Howard Howell Huang Hudson Hughes Hunt Hunter Hussain Ingram Jackson Jacobs James Jenkins Jennings
    Jensen Jimenez Johansson Johnson Johnston Jones Jordan Joseph Kelley Kelly Kennedy Khan Kim King Klein Knight Kumar
    Lambert Lane Larson Lawrence Lawson Lee Leonard Lewis Li Lin Little Liu Long Lopez Lowe Lucas Luna Lynch Lyons
    Maldonado Marshall Martin Martinez Mason Matthews Maxwell May McCarthy McCoy McDonald McKinney Medina Mehta Mendez
    Mendoza Meyer Miles Miller Mills Miranda Mitchell Molina Montgomery Moore Morales Moreno Morgan Morris Morrison
    Moss Murphy Murray Myers Nakamura Navarro Nelson Newman Newton Nguyen Nichols Norris Norton O'Brien O'Connor Okafor
    Oliver Olson Ortega Ortiz Osborne Owens Padilla Palmer Park Parker Parks Patel Patterson Payne Pearson Perez
    Perkins Perry Peters Peterson Pham Phillips Pierce Porter Powell Powers Price Quinn Ramirez Ramos Ramsey Reed Reid
    Reyes Reynolds Rhodes Rice Richards Richardson Riley Rivera Robbins Roberts Robertson Robinson Rodgers Rodriguez
    Rogers Rojas Romero Rose Ross Rossi Ruiz Russell Ryan Salazar Sanchez Sanders Sandoval Santiago Santos Sato
    Schmidt Schneider Schultz Schwartz Scott Serrano Shah Sharma Shaw Shelton Silva Simmons Simon Simpson Sims Singh
    Smith Snyder Sokolov Soto Spencer Stanley Stephens Stevens Stewart Stone Sullivan Sutton Suzuki Taylor Terry Thomas
    Thompson Torres Tran Tucker Turner Valdez Vargas Vasquez Vega Wagner Walker Wallace Walsh Walters Wang Ward Warren
    Washington Watkins Watson Watts Weaver Webb Weber Wells West Wheeler White Williams Williamson Willis Wilson Wong
    Wood Woods Wright Wu Yang Young Zhang Zimmerman Smith-Jones Garcia-Lopez Bailey-Reed
    Álvarez Åkesson Björk Bélanger Böhm Côté Čapek Dąbrowski Díaz D’Angelo Fernández Fonçéca Gagné García González
    Grünwald Gutiérrez Hébert Höfer İnönü Jiménez Kovačević Küçük Lefèvre López Martínez Müller Muñoz Núñez Ñáñez
    Öztürk Pérez Ramírez Rodríguez Sánchez Schröder Šimić Sørensen Strauß Żukowski Ångström Иванова 田中 佐藤
"""

FIRST_NAMES: Final = tuple(_FIRST.split())
LAST_NAMES: Final = tuple(_LAST.split())
